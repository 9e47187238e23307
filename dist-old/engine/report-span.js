// Which windows a report stream holds: from the oldest time entry or expense, or `harvest.start_date`, to today.
import { isoSeconds } from '../base/clock.js';
import { isoDay, windowOf } from '../streams/windows.js';
import { spanOf } from './sweep.js';
/** The lists whose dates say how far reports reach. */
export const DATED_SOURCES = ['time_entries', 'expenses'];
/** The company's week start; Monday until `/company` was read. */
export function weekStartOf(streams) {
    const day = streams.get('company')?.row.company?.week_start_day;
    return day === 'Saturday' || day === 'Sunday' ? day : 'Monday';
}
/** From `start_date`, or the oldest time entry or expense, to today, or the newest of them, or `end_date`. */
export function reportSpan({ settings, streams }, now) {
    const extents = DATED_SOURCES.map((name) => streams.get(name)?.index.extent()).filter((extent) => extent != null);
    const today = isoSeconds(now).slice(0, 10);
    const oldest = isoDay(Math.min(...extents.map((extent) => extent.min), Date.parse(today) / 86_400_000));
    const newest = isoDay(Math.max(...extents.map((extent) => extent.max), Date.parse(today) / 86_400_000));
    const last = settings.endDate !== null && settings.endDate < newest ? settings.endDate : newest;
    return spanOf(settings.startDate ?? oldest, last, settings.grain, weekStartOf(streams));
}
export function currentWindow(settings, now, weekStart) {
    const today = isoSeconds(now).slice(0, 10);
    const day = settings.endDate !== null && settings.endDate < today ? settings.endDate : today;
    return windowOf(day, settings.grain, weekStart);
}
