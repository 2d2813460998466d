# The installation of docs/install.md, as an image.
#   docker build -t sdd .
#   docker run --rm -it -v "$PWD:/work" sdd fit --config digits_mlp
# With GPUs: docker run --gpus all ...; --shm-size is not needed, as all data are in the memory of one process.
FROM python:3.12-slim
WORKDIR /source
COPY pyproject.toml setup.py MANIFEST.in README.md LICENSE constraints.txt ./
COPY sdd sdd
COPY configs configs
COPY sweeps sweeps
RUN python -m pip install --no-cache-dir -c constraints.txt .
RUN sdd --version
WORKDIR /work
ENTRYPOINT ["sdd"]
CMD ["--help"]
