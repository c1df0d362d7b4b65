package serve

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/penstock-ml/penstock/models/registry"
)

// metrics are what Prometheus reads.
type metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec   // by route and status
	seconds   *prometheus.HistogramVec // by model and version
	rows      *prometheus.HistogramVec
	instances *prometheus.CounterVec
	errors    *prometheus.CounterVec
	info      *prometheus.GaugeVec
}

// versionMetrics are those of one version, found once.
type versionMetrics struct {
	seconds, rows     prometheus.Observer
	instances, errors prometheus.Counter
}

// newMetrics makes the metrics of a server, of which inFlight tells how many requests it is answering.
func newMetrics(inFlight func() float64) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "penstock_requests_total", Help: "Requests by route and HTTP status.",
		}, []string{"route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "penstock_request_seconds", Help: "Time of prediction requests, from the whole body to the answer.",
			Buckets: prometheus.ExponentialBuckets(16e-6, 2, 18),
		}, []string{"model", "version"}),
		rows: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "penstock_batch_rows", Help: "Instances that were scored together.", Buckets: prometheus.ExponentialBuckets(1, 2, 11),
		}, []string{"model", "version"}),
		instances: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "penstock_instances_total", Help: "Instances of prediction requests.",
		}, []string{"model", "version"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "penstock_prediction_errors_total", Help: "Prediction requests that were answered with an error.",
		}, []string{"model", "version"}),
		info: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "penstock_model_info", Help: "1 for each version that is loaded.",
		}, []string{"model", "version", "weights_sha256"}),
	}
	flying := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "penstock_requests_in_flight", Help: "Requests that are being answered."}, inFlight)
	m.registry.MustRegister(m.requests, m.seconds, m.rows, m.instances, m.errors, m.info, flying,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) of(v *registry.Version) *versionMetrics {
	m.info.WithLabelValues(v.Name, v.Version, v.WeightsSHA256).Set(1)
	return &versionMetrics{
		seconds:   m.seconds.WithLabelValues(v.Name, v.Version),
		rows:      m.rows.WithLabelValues(v.Name, v.Version),
		instances: m.instances.WithLabelValues(v.Name, v.Version),
		errors:    m.errors.WithLabelValues(v.Name, v.Version),
	}
}

// forget is of a version that is no longer loaded.
func (m *metrics) forget(v *registry.Version) {
	m.info.DeleteLabelValues(v.Name, v.Version, v.WeightsSHA256)
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// routeMetrics counts the requests of one route. Statuses are few, and the counter of the usual one is at hand.
type routeMetrics struct {
	ok    prometheus.Counter
	route string
	all   *prometheus.CounterVec
}

func (m *metrics) route(name string) *routeMetrics {
	return &routeMetrics{ok: m.requests.WithLabelValues(name, "200"), route: name, all: m.requests}
}

func (r *routeMetrics) count(status int) {
	if status == http.StatusOK {
		r.ok.Inc()
		return
	}
	r.all.WithLabelValues(r.route, strconv.Itoa(status)).Inc()
}

// observe notes an answered prediction request.
func (m *versionMetrics) observe(began time.Time, instances int, failed bool) {
	m.seconds.Observe(time.Since(began).Seconds())
	m.instances.Add(float64(instances))
	if failed {
		m.errors.Inc()
	}
}
