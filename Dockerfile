# syntax=docker/dockerfile:1
# One image for every part of Headrace: the server's parts, the worker, the command line.
#   docker build --tag headrace .

FROM node:22-bookworm-slim AS ui
WORKDIR /build/gateway/ui
COPY gateway/ui/package.json gateway/ui/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY gateway/ui ./
RUN npm run build

FROM python:3.13-slim-bookworm AS package
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /build
RUN python -m venv /opt/headrace && /opt/headrace/bin/pip install --no-cache-dir "uv>=0.6"
COPY requirements/dev.lock requirements/
COPY pyproject.toml README.md LICENSE ./
COPY sdk sdk
COPY services services
COPY gateway/headrace_gateway gateway/headrace_gateway
COPY gateway/headrace_prefect gateway/headrace_prefect
COPY migrations migrations
COPY --from=ui /build/gateway/headrace_gateway/static gateway/headrace_gateway/static
# The versions are those of the lock file. In the image nobody may write byte code later.
RUN grep -E '^[a-z0-9.-]+==' requirements/dev.lock | sed 's/ *\\$//' > constraints.txt \
 && /opt/headrace/bin/uv pip install --no-cache --python /opt/headrace/bin/python \
      --compile-bytecode --constraint constraints.txt ".[server]" \
 && /opt/headrace/bin/uv pip uninstall --python /opt/headrace/bin/python uv pip

FROM python:3.13-slim-bookworm
# Flows that are brought by git need it. Versions are those of the base image, with what was mended since.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends git tini \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 headrace \
 && useradd --uid 10001 --gid 10001 --no-log-init --create-home --home-dir /home/headrace headrace
COPY --from=package /opt/headrace /opt/headrace
ENV PATH=/opt/headrace/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HEADRACE_HOME=/home/headrace/.headrace
USER 10001
WORKDIR /home/headrace
EXPOSE 4200 4201
STOPSIGNAL SIGTERM
ENTRYPOINT ["tini", "--", "headrace"]
CMD ["--help"]
