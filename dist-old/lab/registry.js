// A real schema registry on this machine, Apicurio, which speaks the Confluent API. Knows nothing of our schemas.
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { cached, maven } from './artefacts.js';
import { javaTool, quickStart } from './java.js';
import { freePort } from './ports.js';
import { Server } from './process.js';
export const REGISTRY_VERSION = '3.0.9';
/**
 * Starts a registry; resolves when it lists its subjects. Throws PublisherError `lab.missing` (Java, Maven) or
 * `lab.failed` with the end of the registry's log.
 */
export async function startRegistry(options = {}) {
    const home = await registryHome(options);
    return launch(home, options, 'read archive');
}
/** The folder of the registry's programs, fetched when absent. Throws PublisherError `lab.missing` or `lab.failed`. */
export async function registryHome(options) {
    return cached(`apicurio-registry-${REGISTRY_VERSION}`, options, async (home) => {
        options.onProgress?.(`Apicurio Registry ${REGISTRY_VERSION}: downloading (104 MB, once)`);
        const unpack = ['dependency:unpack', `-DoutputDirectory=${home}`, `-Dregistry.version=${REGISTRY_VERSION}`];
        await maven('registry', unpack, options);
        options.onProgress?.(`Apicurio Registry ${REGISTRY_VERSION}: preparing (once)`);
        const training = await launch(home, { signal: options.signal }, 'write archive');
        await training.stop();
    });
}
async function launch(home, options, archive) {
    const port = options.port ?? (await freePort());
    const url = `http://127.0.0.1:${port}/apis/ccompat/v7`;
    const server = await Server.start({
        name: `Schema registry ${url}`,
        command: javaTool('java'),
        args: [
            ...quickStart(options.heapMb ?? 128, 'registry.jsa', archive),
            '-Dquarkus.http.host=127.0.0.1',
            `-Dquarkus.http.port=${port}`,
            `-Dapicurio.rules.global.compatibility=${options.compatibility ?? 'BACKWARD'}`,
            '-Dquarkus.log.level=WARN',
            '-Dquarkus.banner.enabled=false',
            ...(await storage(options.dataDir)),
            '-jar',
            `apicurio-registry-app-${REGISTRY_VERSION}-runner.jar`,
        ],
        cwd: home,
        onLog: options.onLog,
    });
    try {
        await server.ready((patience) => answers(url, patience), options.signal);
    }
    catch (error) {
        await server.kill();
        throw error;
    }
    return {
        url,
        port,
        pid: server.pid,
        died: server.died,
        stop: () => server.stop(),
        kill: () => server.kill(),
        logTail: (lines) => server.logTail(lines),
    };
}
async function storage(dataDir) {
    if (dataDir === undefined)
        return [];
    await mkdir(dataDir, { recursive: true });
    // H2 otherwise writes up to half a second after it said so, and a kill would lose what was acknowledged.
    return [`-Dapicurio.datasource.url=jdbc:h2:file:${resolve(dataDir, 'registry')};WRITE_DELAY=0`];
}
async function answers(url, signal) {
    try {
        const response = await fetch(`${url}/subjects`, { signal });
        await response.arrayBuffer();
        return response.ok;
    }
    catch {
        return false;
    }
}
