module klconf

go 1.26
