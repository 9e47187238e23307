// Lets a silent connection sleep. After each answer kafkajs looks whether requests wait, and arms a timer to look again even
// when none does: one that lies in the past, which fires after a millisecond, for ever, on every connection.
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';

const { scheduleCheckPendingRequests } = RequestQueue.prototype;

/** A later look is needed only while something waits: what comes after it asks for a look of its own. */
RequestQueue.prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
  if (this.pending.length > 0) scheduleCheckPendingRequests.call(this);
};
