package kernel

func accelerated() []*implementation { return nil }
