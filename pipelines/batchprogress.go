package pipelines

import (
	"context"
	"sync"
	"time"

	"github.com/penstock-ml/penstock/models/records"
	"github.com/penstock-ml/penstock/storage"
	"github.com/penstock-ml/penstock/transforms"
)

// BatchPredictProgress is how far a batch prediction has come.
type BatchPredictProgress struct {
	Records           int64 // known while workers are in this process, and in the end
	Bytes, TotalBytes int64 // of the input as stored
}

// pollEvery is how often the output is looked at for what workers elsewhere have finished.
const pollEvery = 3 * time.Second

// batchWatch passes on what is known of a batch prediction's progress: what workers in this process report, or else
// which files are finished.
type batchWatch struct {
	progress func(BatchPredictProgress)
	sizes    map[string]int64 // of the ranges, by their file of results

	mu  sync.Mutex
	sum BatchPredictProgress
}

// watch begins to report; finish tells how it ended.
func (o *BatchPredictOptions) watch(ctx context.Context, p transforms.Predictions, ranges []records.Range) (finish func(*BatchPredictResult)) {
	if o.Progress == nil {
		return func(*BatchPredictResult) {}
	}
	w := &batchWatch{progress: o.Progress, sizes: map[string]int64{}}
	for _, r := range ranges {
		w.sizes[p.Output.Results(r.Index)] = r.End - r.Start
		w.sum.TotalBytes += r.End - r.Start
	}
	unwatch := transforms.Watch(p.Watch, w.add)
	polls, stop := context.WithCancel(ctx)
	var polling sync.WaitGroup
	polling.Go(func() { w.poll(polls, p.Output.Dir) })
	return func(result *BatchPredictResult) {
		unwatch()
		stop()
		polling.Wait()
		if result != nil {
			w.raise(BatchPredictProgress{Records: result.Records, Bytes: w.sum.TotalBytes})
		}
	}
}

// add takes in what a worker in this process has done.
func (w *batchWatch) add(p transforms.Progress) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sum.Records += p.Records
	w.sum.Bytes += p.Bytes
	w.progress(w.sum)
}

// raise reports what is known by other ways, unless as much is known already.
func (w *batchWatch) raise(p BatchPredictProgress) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.Records <= w.sum.Records && p.Bytes <= w.sum.Bytes {
		return
	}
	w.sum.Records, w.sum.Bytes = max(w.sum.Records, p.Records), max(w.sum.Bytes, p.Bytes)
	w.progress(w.sum)
}

// poll looks for finished files until the context ends.
func (w *batchWatch) poll(ctx context.Context, dir string) {
	every(ctx, pollEvery, func() bool {
		if files, err := storage.List(ctx, dir); err == nil { // the next look may do better
			w.raise(BatchPredictProgress{Bytes: w.finished(files)})
		}
		return true
	})
}

// finished is how much input the files have the results of.
func (w *batchWatch) finished(files []storage.Info) (bytes int64) {
	for _, f := range files {
		bytes += w.sizes[f.Path]
	}
	return bytes
}
