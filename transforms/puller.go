package transforms

// Puller is the restriction of one of several that pull from the same subscription, or of all of them: it never ends by
// itself.
type Puller struct {
	First, Last int
	Done        bool
}

// pullerTracker lets a puller go on until the runner wants the bundle back.
type pullerTracker struct {
	puller  Puller
	stopped bool
}

// TryClaim is true while the bundle goes on.
func (t *pullerTracker) TryClaim(any) bool { return !t.stopped }

// GetError is nil: there is nothing to claim wrongly.
func (t *pullerTracker) GetError() error { return nil }

// TrySplit ends the bundle where the runner asks for a checkpoint, and is refused elsewhere.
func (t *pullerTracker) TrySplit(fraction float64) (primary, residual any, err error) {
	if fraction != 0 || t.stopped {
		return t.puller, nil, nil
	}
	t.stopped = true
	rest := t.puller
	t.puller.Done = true
	return t.puller, rest, nil
}

// GetProgress is made up: there is no end.
func (t *pullerTracker) GetProgress() (done, remaining float64) { return 0, 1 }

// IsDone is true once the bundle was given back or the stream ended.
func (t *pullerTracker) IsDone() bool { return t.stopped }

// GetRestriction is the puller.
func (t *pullerTracker) GetRestriction() any { return t.puller }

// IsBounded is false.
func (t *pullerTracker) IsBounded() bool { return t.puller.Done }
