//go:build !amd64

package parallel

// pause is nothing here.
func pause() {}
