# The crm-online image: the worker, the HTTP service, and every other command.
#
#   docker build --tag crm-online .
#   docker run --rm crm-online --help

FROM python:3.13-slim AS build
RUN python -m venv /opt/crm-online
ENV PATH=/opt/crm-online/bin:$PATH
WORKDIR /src
# Each library of the version, and with the hash, that `make lock` has written down; pip takes no other.
COPY deploy/requirements.txt deploy/requirements.txt
RUN pip install --no-cache-dir --require-hashes --requirement deploy/requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY crm_online crm_online
COPY streams streams
# The rule takes the folder for a package whose version could be pinned.
# hadolint ignore=DL3013
RUN pip install --no-cache-dir --no-build-isolation --no-deps .

FROM python:3.13-slim
# Volumes that are mounted there belong to the user then.
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent crm-online \
    && install --directory --owner=crm-online /etc/crm-online/keys /etc/crm-online/passwords /etc/crm-online/users
COPY --from=build /opt/crm-online /opt/crm-online
# Faust makes a folder for tables, though there are none: in /tmp, since all else may be read-only.
ENV PATH=/opt/crm-online/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    FAUST_DATADIR=/tmp/faust \
    CRM_ONLINE_WORKER__LISTEN=0.0.0.0:8081
# A crm-online.toml that is mounted here is read.
WORKDIR /etc/crm-online
USER 10001
EXPOSE 8081
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8081/healthz', timeout=4)"]
ENTRYPOINT ["crm-online"]
CMD ["worker"]
