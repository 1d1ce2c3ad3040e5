# Debian's Prometheus programs, laid out as their official images are. Context: .deps/prometheus.
ARG BASE
FROM ${BASE}
COPY bin/ /usr/local/bin/
COPY share/prometheus/ /usr/share/prometheus/
RUN mkdir /prometheus /alertmanager && chown 65534:65534 /prometheus /alertmanager && chmod g+w /prometheus
USER 65534:65534
