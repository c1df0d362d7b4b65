// Package alloctest holds code to its promise that it does not allocate once warm.
package alloctest

import "testing"

// None fails the test if f, having run once, allocates in further runs. Under the race detector it skips the test, since
// there sync.Pool forgets at random: the Makefile runs such tests, which have Allocate in their name, without it as well.
func None(t testing.TB, what string, runs int, f func()) {
	t.Helper()
	SkipUnderRaceDetector(t)
	if n := testing.AllocsPerRun(runs, f); n != 0 {
		t.Errorf("%s: %v allocations a run", what, n)
	}
}

// UnderRaceDetector tells whether the test was built with -race.
func UnderRaceDetector() bool { return raceDetector }

// SkipUnderRaceDetector skips a test that measures memory.
func SkipUnderRaceDetector(t testing.TB) {
	t.Helper()
	if raceDetector {
		t.Skip("under the race detector sync.Pool forgets at random and stacks move to the heap: run without -race")
	}
}
