/** `count` of the items, each as likely as any other; all of them when there are no more. */
export function sampleOf(items, count, random) {
    const drawn = [];
    let seen = 0;
    for (const item of items) {
        seen++;
        if (drawn.length < count)
            drawn.push(item);
        else {
            const place = Math.floor(random() * seen);
            if (place < count)
                drawn[place] = item;
        }
    }
    return drawn;
}
