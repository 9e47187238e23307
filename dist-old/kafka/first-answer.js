/** The same socket; it ends in an error when it is closed, or silent for `withinMs`, before the first byte has come. */
export function failsWithoutAnswer(socket, withinMs) {
    const emit = socket.emit.bind(socket);
    let answered = false;
    socket.setTimeout(withinMs, () => socket.destroy(new Error('no answer to the first request')));
    socket.emit = ((event, ...details) => {
        if (event === 'data' && !answered) {
            answered = true;
            socket.setTimeout(0);
        }
        // Not what follows our own farewell.
        if (event !== 'end' || answered || socket.writableEnded)
            return emit(event, ...details);
        socket.destroy(new Error('closed before the first answer'));
        return true;
    });
    return socket;
}
