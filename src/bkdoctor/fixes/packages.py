"""The package that brings a program, where it is not of the program's own name."""


def _table(text: str) -> dict[str, str]:
    """Return program -> package of lines `PACKAGE: PROGRAM ...`."""
    lines = (line.partition(":") for line in text.strip().splitlines())
    return {program: package.strip() for package, _, programs in lines for program in programs.split()}


DEBIAN = _table("""
    python3: python3.11 python3.12 python3.13
    python-is-python3: python
    python3-pip: pip pip3
    python3-venv: pyvenv
    python3-dev: python3-config
    nodejs: node nodejs
    yarnpkg: yarn
    build-essential: cc gcc g++ c++ ld
    openssh-client: ssh scp sftp ssh-add ssh-agent ssh-keygen ssh-keyscan
    procps: ps top pgrep pkill free sysctl watch uptime
    iproute2: ip ss
    iputils-ping: ping
    bind9-dnsutils: dig nslookup
    xz-utils: xz unxz xzcat
    awscli: aws
    postgresql-client: psql pg_dump pg_restore pg_isready
    default-mysql-client: mysql mysqldump mysqladmin
    default-jre-headless: java
    default-jdk-headless: javac jar keytool
    gnupg: gpg gpg2
    software-properties-common: add-apt-repository
    gettext-base: envsubst
    gettext: msgfmt xgettext msgmerge
    net-tools: netstat ifconfig route
    psmisc: killall fuser pstree
    imagemagick: convert identify mogrify magick
    docker.io: docker
    protobuf-compiler: protoc
    php-cli: php
    locales: locale-gen
    ca-certificates: update-ca-certificates
    netcat-openbsd: nc netcat
    cron: crontab
    lsb-release: lsb_release
    maven: mvn
    pkg-config: pkgconf
    p7zip-full: 7z 7za
    golang-go: go gofmt
    libxml2-utils: xmllint
    vim-tiny: vi vim
    sqlite3: sqlite
    redis-tools: redis-cli
    libcap2-bin: setcap getcap
    bsdextrautils: hexdump column
    uuid-runtime: uuidgen
    autoconf: autoreconf autoheader
    automake: aclocal
    libtool: libtoolize
    ninja-build: ninja
    ruby: gem irb
    bundler: bundle
    rustc: rustdoc
    kmod: modprobe lsmod
    fontconfig: fc-cache fc-list
    dpkg-dev: dpkg-buildpackage dpkg-architecture
""")
ALPINE = _table("""
    python3: python python3.11 python3.12
    py3-pip: pip pip3
    python3-dev: python3-config
    nodejs: node
    build-base: cc gcc g++ c++ ld
    openssh-client: ssh scp sftp ssh-add ssh-agent ssh-keygen ssh-keyscan
    procps: pgrep pkill free sysctl
    iproute2: ip ss
    bind-tools: dig
    aws-cli: aws
    postgresql-client: psql pg_dump pg_restore pg_isready
    mysql-client: mysql mysqldump mysqladmin
    openjdk17-jre-headless: java
    openjdk17: javac jar
    gnupg: gpg gpg2
    gettext: envsubst msgfmt xgettext
    net-tools: ifconfig
    imagemagick: convert identify mogrify magick
    docker-cli: docker
    ca-certificates: update-ca-certificates
    maven: mvn
    pkgconf: pkg-config
    p7zip: 7z 7za
    libxml2-utils: xmllint
    sqlite: sqlite3
    redis: redis-cli
    libcap: setcap getcap
    autoconf: autoreconf autoheader
    automake: aclocal
    libtool: libtoolize
    samurai: ninja
    ruby-bundler: bundle
    ruby: gem irb
    rust: rustc
    shadow: useradd groupadd usermod groupmod
    fontconfig: fc-cache fc-list
""")
