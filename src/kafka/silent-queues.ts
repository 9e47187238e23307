// Lets a silent connection sleep. After each answer kafkajs looks whether requests wait, and arms a timer to look again even
// when none does: one that lies in the past, which fires after a millisecond, for ever, on every connection. Ten times a second it
// looks for requests that are not answered in time, also when none is under way.
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import { systemClock as clock } from '../base/clock.ts';

/** Requests have half a minute and more. */
const LATE_EVERY_MS = 1_000;

const { scheduleCheckPendingRequests, sendSocketRequest } = RequestQueue.prototype;
const watched = new WeakSet<RequestQueue>();

/** A later look is needed only while something waits: what comes after it asks for a look of its own. */
RequestQueue.prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
  if (this.pending.length > 0) scheduleCheckPendingRequests.call(this);
};

RequestQueue.prototype.scheduleRequestTimeoutCheck = function (this: RequestQueue) {
  watchRequests(this);
};

RequestQueue.prototype.sendSocketRequest = function (this: RequestQueue, request) {
  sendSocketRequest.call(this, request);
  watchRequests(this);
};

/** Gives up requests that are not answered in time, as long as any is under way. */
function watchRequests(queue: RequestQueue): void {
  if (watched.has(queue) || !queue.enforceRequestTimeout || queue.inflight.size === 0) return;
  watched.add(queue);
  clock.after(LATE_EVERY_MS, () => {
    watched.delete(queue);
    for (const request of [...queue.inflight.values()]) {
      if (clock.now() - request.sentAt > request.requestTimeout) request.timeoutRequest();
    }
    watchRequests(queue);
  });
}
