# Two stages: the first compiles, the second holds Node, the compiled program and its run-time dependencies.
FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src src
COPY lab lab
# Types and source maps of the dependencies are a third of their size and never loaded.
RUN npm run build && npm prune --omit=dev --ignore-scripts \
  && find node_modules -type f \( -name '*.map' -o -name '*.ts' -o -name '*.cts' -o -name '*.mts' \) -delete

FROM node:22-bookworm-slim
ENV NODE_ENV=production
# By itself Node takes 256 MB of heap at least, also in a container that has no more than that; and what is free of large buffers,
# a sixth of the memory, stays with the process (docs/operating/sizing.md).
ENV NODE_OPTIONS="--max-old-space-size-percentage=50 --max-semi-space-size=8"
ENV MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=1048576
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY avro avro
COPY config config
# Where OAuth tokens are kept if token_file says so: a volume mounted here belongs to the user below from its first use.
RUN install -d -o node -g node /var/lib/harvest-kafka
USER node
# The loopback of a container is reachable from nowhere else; publish the port only where it is meant to be seen.
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/health/live').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/src/main.js"]
CMD ["run", "--set", "http.listen=0.0.0.0:8080"]
