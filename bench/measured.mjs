// Measures how much a stretch of work costs the process it runs in.

/**
 * Starts measuring; `end` gives wall and CPU seconds (all threads, user and system) since then, the CPU seconds of the whole
 * process, and the share of the time in which the main thread did not wait.
 */
export function measured() {
  const startedAt = performance.now();
  const before = process.cpuUsage();
  const loop = performance.eventLoopUtilization();
  return {
    end() {
      const since = process.cpuUsage(before);
      const whole = process.cpuUsage();
      return {
        wallSeconds: (performance.now() - startedAt) / 1000,
        cpuSeconds: (since.user + since.system) / 1e6,
        processSeconds: (whole.user + whole.system) / 1e6,
        busy: performance.eventLoopUtilization(loop).utilization,
        peakMb: process.resourceUsage().maxRSS / 1024,
      };
    },
  };
}
