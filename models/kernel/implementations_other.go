//go:build !amd64

package kernel

func accelerated() []*implementation { return nil }
