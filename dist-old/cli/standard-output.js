// The log and the progress of this process go through here: a reader that stalls must not stop the work. What a command
// answers goes straight to `process.stdout`, which waits for its reader.
import { Outlet } from '../observe/outlet.js';
export const standardOutput = new Outlet(process.stdout);
