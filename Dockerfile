# docker build -t restore-recog . ; for a GPU add
# --build-arg BASE=nvidia/cuda:12.6.3-runtime-ubuntu24.04
ARG BASE=ubuntu:24.04
FROM ${BASE}

RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*

ARG EXTRAS=onnx,dlib
COPY . /source
RUN python3 -m venv /opt/restore-recog \
    && /opt/restore-recog/bin/pip install --no-cache-dir "/source[${EXTRAS}]" \
    && rm -rf /source

WORKDIR /work
ENTRYPOINT ["/opt/restore-recog/bin/restore-recog"]
CMD ["--help"]
