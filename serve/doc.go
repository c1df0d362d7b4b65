// Package serve answers prediction requests over HTTP.
//
// A catalog has the models, one export or all of a registry, whose default
// versions it follows; a [Server] speaks two protocols about them:
//
//	POST /v1/models/NAME[/versions/V]:predict    AI Platform: {"instances": [...]} -> {"predictions": [...]}
//	GET  /v1/models[/NAME[/versions/V]]          what there is, and what an instance looks like
//	GET  /v2, /v2/health/live, /v2/health/ready  the Open Inference Protocol
//	GET  /v2/models/NAME[/versions/V][/ready]
//	POST /v2/models/NAME[/versions/V]/infer
//	POST /v2/repository/models/NAME/load         look for a new default now
//	GET  /metrics, /openapi.json, /              Prometheus, a description of all this, a page for people
//
// # From a request to its answer
//
//	request -> limits -> body -> parse -> batcher -> answer
//	                                       |  ^
//	                     other requests ---+  +--- a lane: encode, score, format
//
// A request's goroutine scores it itself if a lane, of which there are as many as
// cores, is idle, and takes along what came while all were busy; no request waits
// for a batch to fill. A new version is loaded beside the old one and takes its
// place between two requests; requests that are under way end with the version
// that they began with.
package serve
