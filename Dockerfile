# Needs BuildKit, the default builder since Docker 23.
# Debian's release is named, so that a rebuild does not change the C library unasked.
ARG PYTHON_IMAGE=python:3.12-slim-bookworm

FROM ${PYTHON_IMAGE} AS base
ENV PATH=/opt/venv/bin:$PATH

# The dependencies alone, out of pyproject.toml: what comes out of this stage stays the same when
# anything else in that file changes, and so the layers built on it stay cached.
FROM base AS requirements
WORKDIR /src
COPY pyproject.toml docker/requirements.py ./
RUN python requirements.py pyproject.toml /requirements

FROM base AS dependencies
# https://download.pytorch.org/whl/cu126 and its like make an image for NVIDIA GPUs.
ARG TORCH_INDEX_URL=https://download.pytorch.org/whl/cpu
# A mirror of PyPI; pip reads the variable by itself, and knows its default.
ARG PIP_INDEX_URL
RUN python -m venv /opt/venv
COPY --from=requirements /requirements/torch.txt /requirements/
# From PyTorch's index only: PyPI's wheels bring several GB of CUDA.
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --index-url "${TORCH_INDEX_URL}" -r /requirements/torch.txt
COPY --from=requirements /requirements/others.txt /requirements/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install -r /requirements/others.txt

FROM base AS wheel
ARG PIP_INDEX_URL
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY models models
COPY indexer indexer
COPY service service
COPY api api
RUN --mount=type=cache,target=/root/.cache/pip \
    pip wheel --no-deps --wheel-dir /dist .

FROM dependencies AS weights
ARG BACKBONE=efficientnet_lite0
ARG WEIGHTS_MIRROR
ENV TORCH_HOME=/opt/torch
WORKDIR /src
COPY models models
COPY docker/fetch_weights.py ./
RUN python fetch_weights.py "${BACKBONE}" "${WEIGHTS_MIRROR}"

FROM base AS final
ARG BACKBONE=efficientnet_lite0
ARG REVISION
# The numbers are fixed, so that files in volumes keep their owner from image to image.
RUN groupadd --gid 10001 hueweave \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp \
        --shell /usr/sbin/nologin hueweave \
    && install -d -o 10001 -g 10001 /index /keys \
    && install -d /pictures /etc/hueweave
COPY --from=dependencies /opt/venv /opt/venv
COPY --from=weights /opt/torch /opt/torch
# A layer of its own: a change of the source pushes and pulls this one, not PyTorch.
RUN --mount=type=bind,from=wheel,source=/dist,target=/dist \
    pip install --no-cache-dir --no-deps --no-index /dist/*.whl \
    && pip check
COPY docker/entrypoint.sh docker/healthcheck.py /usr/local/lib/hueweave/

# HUEWEAVE_HOST: the port can be published only from an address beyond loopback. So a container
# needs HUEWEAVE_KEYS, or HUEWEAVE_ANONYMOUS=true on purpose, where it cannot be reached otherwise.
# TORCH_HOME belongs to root: the weights are all there, and nothing can be downloaded to it.
# SQLITE_TMPDIR: the plan of a large build goes to the volume's disk, not to the memory of /tmp.
ENV HUEWEAVE_HOST=0.0.0.0 \
    HUEWEAVE_INDEX=/index \
    IMAGE_BACKBONE=${BACKBONE} \
    TORCH_HOME=/opt/torch \
    SQLITE_TMPDIR=/index \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
LABEL org.opencontainers.image.title="hueweave" \
      org.opencontainers.image.description="Self-hosted visual search in a chosen attribute: pictures alike in color, or in texture." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${REVISION}"

# A hueweave.toml mounted here is read, as from any working folder. There is no VOLUME, so that a
# forgotten one is an error on a read-only root and not an index that goes with its container.
WORKDIR /etc/hueweave
USER 10001:10001
EXPOSE 8000
# The server ends cleanly on it as on SIGTERM, and so does a build, even as process 1, where the
# kernel withholds a SIGTERM that nobody handles.
STOPSIGNAL SIGINT
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-I", "/usr/local/lib/hueweave/healthcheck.py"]
ENTRYPOINT ["/usr/local/lib/hueweave/entrypoint.sh"]
CMD ["serve"]
