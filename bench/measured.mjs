// Measures how much a stretch of work costs the process it runs in.

/** Starts measuring; `end` gives wall and CPU seconds (all threads, user and system) since then, and the peak RSS. */
export function measured() {
  const startedAt = performance.now();
  const before = process.cpuUsage();
  return {
    end() {
      const { user, system } = process.cpuUsage(before);
      return {
        wallSeconds: (performance.now() - startedAt) / 1000,
        cpuSeconds: (user + system) / 1e6,
        peakMb: process.resourceUsage().maxRSS / 1024,
      };
    },
  };
}
