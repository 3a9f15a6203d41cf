# The web process: page, tiles, WMTS, API. No torch. Also runs the migrations and the operator's commands.
FROM node:20.19.5-bookworm-slim AS page
WORKDIR /build/frontend
COPY frontend/package.json frontend/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY frontend/ ./
RUN npm run build

FROM python:3.11.14-slim-bookworm AS environment
WORKDIR /build
RUN python -m venv /opt/cosia
COPY . .
COPY --from=page /build/app/page app/page
RUN /opt/cosia/bin/pip install --no-cache-dir -c constraints.txt .

FROM python:3.11.14-slim-bookworm
# rasterio's GDAL expects the system's expat. hadolint wants a version, which Debian withdraws at each security update.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libexpat1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --no-create-home cosia \
    && install --directory --owner=cosia --group=cosia /data
COPY --from=environment /opt/cosia /opt/cosia
ENV PATH=/opt/cosia/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    COSIA_DATA=/data \
    COSIA_HOST=0.0.0.0
USER 10001:10001
VOLUME /data
EXPOSE 8000
CMD ["cosia", "web"]
