# Tallywire in a container; `docker build --tag tallywire:0.1.0 .`
# Who runs it and with what: docs/guides/deploy.md.
FROM python:3.11.14-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
# what builds the wheel stays here; what runs goes into the environment that is copied
COPY requirements-build.lock requirements-run.lock ./
RUN python -m venv /build/tools \
    && /build/tools/bin/pip install --require-hashes --no-deps --requirement requirements-build.lock \
    && python -m venv /opt/tallywire \
    && /opt/tallywire/bin/pip install --require-hashes --no-deps --requirement requirements-run.lock
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY tallywire tallywire
COPY assurance assurance
COPY warehouse warehouse
COPY dashboards dashboards
COPY dataflows dataflows
COPY cli cli
RUN /build/tools/bin/hatchling build --target wheel --directory /build/wheel \
    && /opt/tallywire/bin/pip install --no-deps --no-index /build/wheel/*.whl \
    && /opt/tallywire/bin/python -m compileall -q /opt/tallywire/lib \
    && /opt/tallywire/bin/pip uninstall --yes pip setuptools

FROM python:3.11.14-slim-bookworm
# the number is fixed: files of a volume belong to it whatever image comes next
RUN groupadd --gid 10001 tallywire \
    && useradd --uid 10001 --gid tallywire --no-create-home --shell /usr/sbin/nologin tallywire \
    && install --directory --owner tallywire --group tallywire --mode 0750 \
        /var/lib/tallywire /var/lib/tallywire/catalogs
COPY --from=build /opt/tallywire /opt/tallywire
ENV PATH=/opt/tallywire/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TALLYWIRE_HOME=/var/lib/tallywire \
    TALLYWIRE_METRICS_PORT=9464
USER 10001:10001
WORKDIR /var/lib/tallywire
VOLUME /var/lib/tallywire
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen(f\"http://127.0.0.1:{os.environ['TALLYWIRE_METRICS_PORT']}/health\", timeout=4)"]
ENTRYPOINT ["tallywire"]
CMD ["--help"]
