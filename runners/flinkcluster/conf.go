package flinkcluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// javaFlags open what Flink 1.16 reaches into on Java 17.
func javaFlags() []string {
	flags := []string{"--add-exports=java.base/sun.net.util=ALL-UNNAMED"}
	for _, p := range []string{
		"java.lang", "java.net", "java.io", "java.nio", "sun.nio.ch", "java.lang.reflect", "java.text", "java.time", "java.util",
		"java.util.concurrent", "java.util.concurrent.atomic", "java.util.concurrent.locks",
	} {
		flags = append(flags, "--add-opens=java.base/"+p+"=ALL-UNNAMED")
	}
	return append(flags, "-Dorg.slf4j.simpleLogger.showDateTime=true", "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS", "-XX:+UseParallelGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
}

// common is the configuration that all parts share. By default Flink would restart nothing, would notice only after 50
// seconds that a TaskManager is gone, and would want 512 network buffers for each exchange of a job, however small.
func (o *Options) common() map[string]string {
	return map[string]string{
		"jobmanager.rpc.address":                           "localhost",
		"jobmanager.rpc.port":                              fmt.Sprint(o.rpcPort),
		"jobmanager.bind-host":                             "localhost",
		"jobmanager.memory.jvm-metaspace.size":             "256m",
		"jobmanager.memory.heap.size":                      "512m",
		"jobmanager.memory.off-heap.size":                  "128m",
		"rest.address":                                     "localhost",
		"rest.bind-address":                                "localhost",
		"rest.port":                                        fmt.Sprint(o.RESTPort),
		"restart-strategy":                                 "fixed-delay",
		"restart-strategy.fixed-delay.attempts":            "3",
		"restart-strategy.fixed-delay.delay":               "1 s",
		"jobmanager.execution.failover-strategy":           "full",
		"heartbeat.interval":                               "1000",
		"heartbeat.timeout":                                "10000",
		"cluster.evenly-spread-out-slots":                  "true",
		"akka.ask.timeout":                                 "60 s",
		"taskmanager.network.sort-shuffle.min-parallelism": "1000",
		"classloader.check-leaked-classloader":             "false",
	}
}

// taskManager is the configuration of a TaskManager. Without Flink's scripts each kind of memory has to be said.
func (o *Options) taskManager(number int) map[string]string {
	conf := o.common()
	maps.Copy(conf, map[string]string{
		"taskmanager.resource-id":                    fmt.Sprintf("tm%d", number),
		"taskmanager.host":                           "localhost",
		"taskmanager.bind-host":                      "localhost",
		"taskmanager.numberOfTaskSlots":              fmt.Sprint(o.Slots),
		"taskmanager.cpu.cores":                      fmt.Sprint(o.Slots),
		"taskmanager.memory.task.heap.size":          "768m",
		"taskmanager.memory.task.off-heap.size":      "0",
		"taskmanager.memory.framework.heap.size":     "128m",
		"taskmanager.memory.framework.off-heap.size": "128m",
		"taskmanager.memory.managed.size":            "256m",
		"taskmanager.memory.network.min":             "256m",
		"taskmanager.memory.network.max":             "256m",
		"taskmanager.memory.jvm-metaspace.size":      "256m",
		"taskmanager.memory.jvm-overhead.min":        "128m",
		"taskmanager.memory.jvm-overhead.max":        "128m",
	})
	return conf
}

// yaml writes a configuration as Flink reads it: keys in order, so that a file says the same each time.
func yaml(conf map[string]string) []byte {
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(conf)) {
		fmt.Fprintf(&text, "%s: %s\n", key, conf[key])
	}
	return []byte(text.String())
}
