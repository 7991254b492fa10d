module example.org/foreign

go 1.26.0

require klconf v0.0.0

require pgregory.net/rapid v1.3.0 // indirect

replace klconf => ../../..
