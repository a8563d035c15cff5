# Hookswitch as an image of one file and the certificates of the public authorities. deploy/README.md says how to run it.
#
#   docker build --build-arg VERSION=$(git describe --tags --always) -t hookswitch .

FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG TARGETOS TARGETARCH
ARG VERSION=dev
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /out/hookswitch ./cmd/hookswitch
RUN mkdir /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/hookswitch /hookswitch
# A new volume takes over the owner of what is here.
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
ENV HOOKSWITCH_LISTEN=:8080 HOOKSWITCH_DATA=/data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/hookswitch", "call", "ping"]
ENTRYPOINT ["/hookswitch"]
CMD ["serve"]
