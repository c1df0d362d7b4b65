package serve

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penstock-ml/penstock/models/predictor"
	"github.com/penstock-ml/penstock/models/records"
)

// errOverloaded is the answer where more waits than can be scored in time.
var errOverloaded = errors.New("the server is overloaded: try again later")

// A call is what one request wants to be predicted.
type call interface {
	// rows is the number of instances.
	rows() int
	// read returns the fields of an instance, valid until the next read with the same lane.
	read(l *lane, i int) ([][]byte, error)
	// write takes the result of an instance. They come in order.
	write(p *predictor.Predictor, i int, r *predictor.Result)
}

// A batcher scores the calls of many requests together. No call waits for others to come: one that finds a lane idle is
// scored at once, by its own goroutine, and takes along what came while all lanes were busy. So batches are as large as
// the load makes them, up to what can be scored within the latency target.
type batcher struct {
	predictor *predictor.Predictor
	target    time.Duration // that a batch may take
	patience  time.Duration // that calls may wait
	observe   func(rows int)

	// nanoseconds that a row takes, as an average in which the last batches count most. All lanes together score
	// len(lanes) rows in that time.
	cost atomic.Int64

	mu      sync.Mutex
	waiting []*waiter
	rows    int     // of those that wait
	idle    []*lane // lanes that nobody uses
	lanes   int
}

// A waiter is a call in the queue.
type waiter struct {
	call call
	err  error
	// turn is sent to once: nil when the call is done, or the lane that its goroutine has to lead.
	turn chan *lane
}

// A lane is what one goroutine scores with.
type lane struct {
	scorer  *predictor.Scorer
	decoder *records.JSONDecoder
	fields  [][]byte
	batch   []*waiter
}

const (
	mostRows    = 1024 // of a batch
	firstGuess  = 2000 // nanoseconds a row
	costHistory = 16   // batches
)

// newBatcher makes the lanes. observe is told the rows of every batch.
func newBatcher(p *predictor.Predictor, lanes int, target, patience time.Duration, observe func(rows int)) (*batcher, error) {
	b := &batcher{predictor: p, target: target, patience: patience, observe: observe, lanes: lanes}
	b.cost.Store(firstGuess)
	for range lanes {
		scorer, err := p.NewScorer(0)
		if err != nil {
			return nil, err
		}
		b.idle = append(b.idle, newLane(p, scorer))
	}
	return b, nil
}

func newLane(p *predictor.Predictor, scorer *predictor.Scorer) *lane {
	columns := p.Spec().Data.Columns
	return &lane{scorer: scorer, decoder: records.NewJSONDecoder(columns), fields: make([][]byte, len(columns))}
}

var waiters = sync.Pool{New: func() any { return &waiter{turn: make(chan *lane, 1)} }}

// do has a call scored. The error is of the whole call, errOverloaded or one of the model.
func (b *batcher) do(c call) error {
	w := waiters.Get().(*waiter)
	defer waiters.Put(w)
	w.call, w.err = c, nil
	b.mu.Lock()
	var l *lane
	if n := len(b.idle); n > 0 {
		l, b.idle = b.idle[n-1], b.idle[:n-1]
	} else if b.delay(c.rows()) > b.patience {
		b.mu.Unlock()
		return errOverloaded
	} else {
		b.waiting = append(b.waiting, w)
		b.rows += c.rows()
	}
	b.mu.Unlock()
	if l == nil {
		l = <-w.turn
	}
	if l != nil {
		b.lead(l, w)
	}
	return w.err
}

// delay is how long a call would wait for what came before it.
func (b *batcher) delay(rows int) time.Duration {
	if b.rows == 0 {
		return 0 // one that is too large for any queue is let in alone
	}
	return time.Duration(b.cost.Load()) * time.Duration(b.rows+rows) / time.Duration(b.lanes)
}

// lead scores one batch, the goroutine's own call first, and passes the lane on.
func (b *batcher) lead(l *lane, own *waiter) {
	b.mu.Lock()
	l.batch = append(l.batch[:0], own)
	b.take(l)
	b.mu.Unlock()
	b.score(l)
	for _, w := range l.batch[1:] {
		w.turn <- nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 {
		b.idle = append(b.idle, l)
		return
	}
	b.next().turn <- l
}

// take adds calls that wait to a batch, as many as keep it within the target.
func (b *batcher) take(l *lane) {
	most := min(mostRows, int(b.target)/int(max(1, b.cost.Load())))
	for rows := l.batch[0].call.rows(); len(b.waiting) > 0; {
		if rows += b.waiting[0].call.rows(); rows > most {
			return
		}
		l.batch = append(l.batch, b.next())
	}
}

// next takes the first call out of the queue.
func (b *batcher) next() *waiter {
	w := b.waiting[0]
	n := copy(b.waiting, b.waiting[1:])
	b.waiting[n] = nil
	b.waiting = b.waiting[:n]
	b.rows -= w.call.rows()
	return w
}

// score scores a batch and hands out the results. A panic is an error of all its calls: the lane goes on.
func (b *batcher) score(l *lane) {
	began := time.Now()
	defer func() {
		if r := recover(); r != nil {
			for _, w := range l.batch {
				w.err = fmt.Errorf("the model panicked: %v", r)
			}
			l.scorer.Discard()
		}
	}()
	for _, w := range l.batch {
		l.add(w.call)
	}
	rows := l.scorer.Len()
	results, err := l.scorer.Score()
	at := 0
	for _, w := range l.batch {
		w.err = err
		for i := 0; i < w.call.rows() && err == nil; i++ {
			w.call.write(b.predictor, i, &results[at])
			at++
		}
	}
	if rows > 0 {
		b.observe(rows)
		b.learn(int64(time.Since(began)) / int64(rows))
	}
}

// add puts a call's instances into the batch.
func (l *lane) add(c call) {
	for i := range c.rows() {
		if fields, err := c.read(l, i); err != nil {
			l.scorer.Reject(err)
		} else {
			l.scorer.Add(fields)
		}
	}
}

// learn takes the cost of a row into the average. Of several lanes that do so at once, one may go unheard.
func (b *batcher) learn(cost int64) {
	before := b.cost.Load()
	b.cost.Store(before + (cost-before)/costHistory)
}
