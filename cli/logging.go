package cli

import (
	"context"
	"log/slog"
	"runtime"
	"strings"
	"time"

	beamlog "github.com/apache/beam/sdks/v2/go/pkg/beam/log"
)

// setLogging sends what packages log to the console.
func (a *app) setLogging() {
	level := slog.LevelInfo
	if a.verbose {
		level = slog.LevelDebug
	}
	slog.SetDefault(slog.New(quietBeam{slog.NewTextHandler(a.console, &slog.HandlerOptions{Level: level})}))
}

// startBeam readies Beam for a pipeline. Beam's initialisation installs log handlers of its own, so ours come after.
func (a *app) startBeam() {
	initBeam()
	a.setLogging()
	beamlog.SetLogger(beamLogger{slog.Default().Handler()})
}

// quietBeam is a handler for which everything that Beam itself says is for debugging: the runners report whole plans
// as information and, as errors, what reaches the user as the pipeline's error anyway. Records without a caller come
// through the standard library's log, where Beam's workers put what they cannot send.
type quietBeam struct{ slog.Handler }

func (h quietBeam) Handle(ctx context.Context, r slog.Record) error {
	if r.PC == 0 || strings.HasPrefix(callerName(r.PC), "github.com/apache/beam/") {
		if !h.Enabled(ctx, slog.LevelDebug) {
			return nil
		}
		r.Level = slog.LevelDebug
	}
	return h.Handler.Handle(ctx, r)
}

func (h quietBeam) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quietBeam{h.Handler.WithAttrs(attrs)}
}

func (h quietBeam) WithGroup(name string) slog.Handler { return quietBeam{h.Handler.WithGroup(name)} }

func callerName(pc uintptr) string {
	frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	return frame.Function
}

// beamLogger sends Beam's log to a handler. It keeps the handler and not slog's default, which may log through Beam.
type beamLogger struct{ handler slog.Handler }

func (l beamLogger) Log(ctx context.Context, sev beamlog.Severity, depth int, message string) {
	level := level(sev)
	if !l.handler.Enabled(ctx, level) {
		return
	}
	var pcs [1]uintptr
	runtime.Callers(depth+2, pcs[:]) // besides Callers and Log itself
	r := slog.NewRecord(time.Now(), level, strings.TrimSpace(message), pcs[0])
	_ = l.handler.Handle(ctx, r) // there is nowhere else to say that a log cannot be written
}

func level(sev beamlog.Severity) slog.Level {
	switch sev {
	case beamlog.SevDebug:
		return slog.LevelDebug
	case beamlog.SevWarn:
		return slog.LevelWarn
	case beamlog.SevError, beamlog.SevFatal:
		return slog.LevelError
	default:
		return slog.LevelInfo
	}
}
