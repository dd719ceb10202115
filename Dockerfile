# The three images. Each is a static binary that `make build` put into bin/linux_<arch>/ on a base without a shell.
#
#   make images                                    all three, for this machine, as archives in bin/images/
#   make build ARCH=arm64 && docker buildx build --platform linux/arm64 --target fleet .
#
# BASE is distroless (CA certificates, tzdata, /tmp, no shell). BASE=scratch works too, where no registry is at hand:
# then nothing in the image can verify a public TLS certificate.
ARG BASE=gcr.io/distroless/static-debian12:nonroot

FROM ${BASE} AS manager
ARG TARGETARCH
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="argus-operator" \
      org.opencontainers.image.description="Kubernetes operator for Argus: Discord bots and their fleet control plane" \
      org.opencontainers.image.source="https://github.com/argus-dev/argus-operator" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --chmod=0755 bin/linux_${TARGETARCH}/manager /manager
USER 10001:10001
EXPOSE 8081 8443
ENTRYPOINT ["/manager"]

FROM ${BASE} AS fleet
ARG TARGETARCH
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="argus-fleet" \
      org.opencontainers.image.description="Fleet control plane of Argus" \
      org.opencontainers.image.source="https://github.com/argus-dev/argus-operator" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --chmod=0755 bin/linux_${TARGETARCH}/argus-fleet /argus-fleet
# A new volume takes the owner of the directory that it covers: without this one it would be root's.
COPY --chown=10001:10001 bin/volume /data
ENV ARGUS_FLEET_HOST=0.0.0.0 \
    ARGUS_FLEET_STATE=/data/argus-fleet-state.db
VOLUME /data
USER 10001:10001
EXPOSE 9190
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s --retries=3 CMD ["/argus-fleet", "healthcheck"]
ENTRYPOINT ["/argus-fleet"]

FROM ${BASE} AS bot
ARG TARGETARCH
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="argus-bot" \
      org.opencontainers.image.description="Reference bot of Argus: a simulated Discord bot for demos and tests" \
      org.opencontainers.image.source="https://github.com/argus-dev/argus-operator" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --chmod=0755 bin/linux_${TARGETARCH}/argus-bot /argus-bot
USER 10001:10001
EXPOSE 9191
ENTRYPOINT ["/argus-bot"]
