//go:build race

package pipelines

const raceDetector = true
