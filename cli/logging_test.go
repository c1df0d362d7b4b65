package cli

import (
	"bytes"
	"context"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	beamlog "github.com/apache/beam/sdks/v2/go/pkg/beam/log"
)

func TestBeamIsQuietUnlessVerbose(t *testing.T) {
	inBeam := reflect.ValueOf(beam.Init).Pointer() + 1 // a return address within
	for _, c := range []struct {
		level slog.Level
		pc    uintptr
		want  string
	}{
		{slog.LevelInfo, inBeam, ""},
		{slog.LevelInfo, 0, ""},
		{slog.LevelDebug, inBeam, "level=DEBUG msg=plan\n"},
	} {
		var out bytes.Buffer
		h := quietBeam{slog.NewTextHandler(&out, &slog.HandlerOptions{Level: c.level})}
		if err := h.Handle(context.Background(), slog.NewRecord(time.Time{}, slog.LevelError, "plan", c.pc)); err != nil {
			t.Fatal(err)
		}
		if out.String() != c.want {
			t.Errorf("at level %v: %q, want %q", c.level, out.String(), c.want)
		}
	}
}

// What our own functions log through Beam is theirs, though Beam's functions stand between.
func TestBeamLogKeepsTheCaller(t *testing.T) {
	var out bytes.Buffer
	handler := slog.NewTextHandler(&out, &slog.HandlerOptions{AddSource: true})
	beamlog.SetLogger(beamLogger{quietBeam{handler}})
	t.Cleanup(func() { beamlog.SetLogger(&beamlog.Structural{}) })
	beamlog.Warnf(context.Background(), "shard %d is late", 3)
	got := out.String()
	for _, want := range []string{"level=WARN", "logging_test.go", `msg="shard 3 is late"`} {
		if !strings.Contains(got, want) {
			t.Errorf("logged %q, without %q", got, want)
		}
	}
}
