# The worker: predicts blocks and writes results. Carries torch; the GPU's driver comes from the host.
FROM python:3.11.14-slim-bookworm AS environment
WORKDIR /build
RUN python -m venv /opt/cosia
COPY . .
RUN /opt/cosia/bin/pip install --no-cache-dir -c constraints.txt '.[worker]'

FROM python:3.11.14-slim-bookworm
# rasterio's GDAL expects the system's expat. hadolint wants a version, which Debian withdraws at each security update.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libexpat1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --no-create-home cosia \
    && install --directory --owner=cosia --group=cosia /data
COPY --from=environment /opt/cosia /opt/cosia
# What the NVIDIA container runtime gives in: the driver's libraries for computing, none for display.
ENV PATH=/opt/cosia/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    COSIA_DATA=/data
USER 10001:10001
VOLUME /data
CMD ["cosia", "worker"]
