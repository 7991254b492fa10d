module klconf/bench/peers

go 1.26.0

require klconf v0.0.0

replace klconf => ../..
