# vireo in a container, with its riscv64 guests. It needs no privileges, no /dev/kvm and no network:
#   docker build -t vireo .        (or: buildah build -t vireo .)
#   docker run --rm -it vireo                                    a shell in a Debian riscv64 guest
#   docker run --rm vireo run riscv64-minimal.yaml --append 'vireo.run=uname -a'
#   docker run --rm -v "$PWD:/machines:ro" vireo run /machines/mine.yaml
ARG DEBIAN=debian:trixie-slim

FROM ${DEBIAN} AS build
COPY scripts/setup /src/scripts/setup
RUN apt-get update && /src/scripts/setup --build-only
COPY . /src
RUN /src/scripts/build release vireo && strip -o /vireo /src/build/release/vireo
# The packages that have the libraries which the program needs.
RUN ldd /vireo | awk '$2 == "=>" {print $3}' | xargs -n 1 realpath | sed 's|.*/|*/|' | xargs dpkg -S | cut -d: -f1 | sort -u > /libraries
RUN XDG_CACHE_HOME=/guests /src/scripts/guest riscv64 && mv "$(realpath /guests/vireo/images/riscv64)" /images

FROM ${DEBIAN}
COPY --from=build /libraries /tmp/libraries
RUN apt-get update && xargs apt-get install -y --no-install-recommends < /tmp/libraries && rm -rf /var/lib/apt/lists/* /tmp/libraries
COPY --from=build /vireo /usr/bin/vireo
COPY --from=build /images /var/cache/vireo/images/riscv64
COPY --from=build /src/configs /usr/share/vireo/configs
COPY --from=build /src/LICENSE /usr/share/doc/vireo/copyright
RUN useradd --create-home --uid 1000 vireo
USER vireo
WORKDIR /usr/share/vireo/configs
ENV XDG_CACHE_HOME=/var/cache
ENTRYPOINT ["vireo"]
CMD ["run", "riscv64-debian.yaml"]
