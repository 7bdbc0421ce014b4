"""Paths, contexts, options and names that a job gives to the build."""

from tests.engine.cure import Case, Followed, Written

FROM = "FROM alpine:3.22\n"
ANY = {"Dockerfile": FROM + "RUN true\n"}

CASES = [
    Case(
        name="dockerfile-not-found",
        pattern="context/dockerfile-not-found",
        files={"path/to/image/Dockerfile": FROM + "RUN true\n"},
        script="- docker build .",
    ),
    Case(
        name="dockerfile-is-a-directory",
        pattern="context/dockerfile-not-found",
        files={"path/to/image/Dockerfile": FROM + "RUN true\n"},
        script="- docker build -f path/to/image .",
    ),
    Case(
        name="context-path-missing",
        pattern="context/context-path-missing",
        files=ANY,
        script="- docker build --tag app:ci services/api",
    ),
    Case(
        name="context-missing",
        pattern="context/cli-argument-missing",
        files=ANY,
        script="- docker build --tag app:ci",
    ),
    Case(
        name="option-without-value",
        pattern="context/cli-argument-missing",
        files=ANY,
        script="- docker build . --tag",
        how=(Written(fix=2),),
    ),
    Case(
        name="flag-unknown",
        pattern="context/cli-flag-unknown",
        files=ANY,
        script="- docker build --destination app:ci .",
    ),
    Case(
        name="reference-with-capitals",
        pattern="context/image-reference-invalid",
        files=ANY,
        script='- docker build --tag "$CI_REGISTRY_IMAGE:$CI_COMMIT_REF_NAME" .',
    ),
    Case(
        name="reference-in-from",
        pattern="context/image-reference-invalid",
        files={"Dockerfile": "FROM https://registry.example.com/Team/Base:1.0\nRUN true\n"},
        script="- docker build .",
        how=(Written("Dockerfile"),),
    ),
    Case(
        name="copy-source-missing",
        pattern="context/copy-source-missing",
        files={"Dockerfile": FROM + "COPY services/api/dist/ /srv/\n", "services/api/dist/app.js": "1\n"},
        script="- docker build -f Dockerfile services/api",
        how=(Followed("Dockerfile", 3, replaces="COPY services/api/dist/ /srv/"),),
    ),
    Case(
        name="copy-source-dockerignored",
        pattern="context/copy-source-dockerignored",
        files={"Dockerfile": FROM + "COPY dist/app.js /srv/\n", "dist/app.js": "1\n", ".dockerignore": "dist\n"},
        script="- docker build .",
        how=(Written(".dockerignore"),),
    ),
    Case(
        name="copy-outside-context",
        pattern="context/copy-outside-context",
        files={"services/api/Dockerfile": FROM + "COPY ../../shared/ /app/shared/\n", "shared/a": "1\n"},
        script="- docker build services/api",
        how=(
            Followed(".gitlab-ci.yml", 1, replaces="    - docker build services/api", take="docker build"),
            Followed("services/api/Dockerfile", 2, replaces="COPY ../../shared/ /app/shared/"),
        ),
    ),
    Case(
        name="copy-from-path-missing",
        pattern="context/copy-from-path-missing",
        files={
            "Dockerfile": "FROM alpine:3.22 AS build\nRUN mkdir -p /app/dist && echo 1 > /app/dist/index.html\n"
            "FROM alpine:3.22\nCOPY --from=build /dist /usr/share/nginx/html\n"
        },
        script="- docker build .",
        how=(Followed("Dockerfile", 2, replaces="COPY --from=build /dist /usr/share/nginx/html", take="--from=build"),),
    ),
    Case(
        name="output-option-invalid",
        pattern="context/output-option-invalid",
        files=ANY,
        script="- docker build --output type=imagee,name=app:ci .",
    ),
]
