package records

import (
	"context"
	"errors"
	"testing"
)

func TestPlace(t *testing.T) {
	file := writeTemp(t, "a.csv", "a,1\nb,2\nc,3\n")
	reason := errors.New("the reason")
	err := Place(context.Background(), file.Path, 8, reason)
	if !errors.Is(err, reason) || err.Error() != file.Path+":3: the reason" {
		t.Errorf("got %v", err)
	}
	err = Place(context.Background(), "absent.csv", 8, reason)
	if !errors.Is(err, reason) || err.Error() != "absent.csv, byte 8: the reason" {
		t.Errorf("got %v", err)
	}
}
