package org.apache.beam.runners.core.construction.resources;

import io.github.classgraph.ClassGraph;
import java.util.Collections;
import java.util.List;

/**
 * Stands in for Beam's class of this name, before it in the job server's class path. Beam's would have the job server
 * upload its own 150 MB of jars with every job; the cluster that flinkcluster starts has them already.
 */
public class ClasspathScanningResourcesDetector implements PipelineResourcesDetector {
  /** Takes what Beam's constructor does. */
  public ClasspathScanningResourcesDetector(ClassGraph unused) {}

  @Override
  public List<String> detect(ClassLoader unused) {
    return Collections.emptyList();
  }
}
