// Package runners knows the Beam runners that Penstock's pipelines run on: one file a runner, with its defaults, its
// limits and how a pipeline is started there. Only this package imports Beam's runners, so the binary links no others.
package runners
