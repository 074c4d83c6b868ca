# The bot in a container: `docker build -t document-assistant .`
FROM denoland/deno:2.9.6
WORKDIR /app
ENV DENO_DIR=/deno DATA_DIR=/data HOST=0.0.0.0 LOG_FORMAT=json
# The model that reads Russian scans; the sandbox's limit of memory (prlimit) is part of the base.
RUN apt-get update && apt-get install -y --no-install-recommends tesseract-ocr-rus \
  && rm -rf /var/lib/apt/lists/*
COPY . .
RUN deno install --frozen --quiet && deno cache --frozen --quiet main.ts lib/extract/child.ts lib/tables/child.ts lib/audio/child.ts lib/db/embedded_worker.ts lib/terminal/dead.ts \
  && mkdir -p /data && chown -R deno:deno /data /deno
USER deno
VOLUME /data
EXPOSE 8080
# Longer than SHUTDOWN_GRACE_MS: what is in flight may finish.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["deno", "eval", "--quiet", "const r = await fetch(`http://127.0.0.1:${Deno.env.get('PORT') ?? 8080}/health/live`); Deno.exit(r.ok ? 0 : 1)"]
CMD ["task", "start"]
