# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Certificates of a lab's own authority: for libvirt's TLS port, for QEMU's migration, for the client. RSA, because libvirtd refuses
# elliptic curves ("usage does not permit key encipherment").

tls_authority() {
	mkdir -p "$dir/tls"
	openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj "/CN=$name lab" -keyout "$dir/tls/ca-key.pem" -out "$dir/tls/ca.pem" \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign 2> /dev/null
	mkdir -p "$dir/tls/client"
	tls_issue "$dir/tls/client" client "CN=lab client" "IP:$ctl_ip"
	cp "$dir/tls/ca.pem" "$dir/tls/client/cacert.pem"
	mv "$dir/tls/client/client-cert.pem" "$dir/tls/client/clientcert.pem"
	mv "$dir/tls/client/client-key.pem" "$dir/tls/client/clientkey.pem"
}

# FOLDER KIND SUBJECT ALTERNATIVE_NAMES: FOLDER/KIND-cert.pem and -key.pem, good for both ends of a connection.
tls_issue() {
	openssl req -newkey rsa:2048 -nodes -subj "/$3" -keyout "$1/$2-key.pem" -out "$1/$2.csr" 2> /dev/null
	openssl x509 -req -in "$1/$2.csr" -CA "$dir/tls/ca.pem" -CAkey "$dir/tls/ca-key.pem" -days 365 -out "$1/$2-cert.pem" \
		-extfile <(printf 'keyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=%s\n' "$4") \
		2> /dev/null
	rm "$1/$2.csr"
}

# One certificate a host, under every name that is looked for: libvirtd as server and as client (a source is the client of its
# destination) has its default places, QEMU's are in qemu.conf.
tls_host() {
	local pki=$dir/$1/etc/pki

	mkdir -p "$pki"/{CA,libvirt/private,qemu}
	tls_issue "$pki/qemu" server "CN=$1" "DNS:$1,IP:$(host_ip "$1")"
	cp "$dir/tls/ca.pem" "$pki/qemu/ca-cert.pem"
	cp "$pki/qemu/server-cert.pem" "$pki/qemu/client-cert.pem"
	cp "$pki/qemu/server-key.pem" "$pki/qemu/client-key.pem"
	cp "$dir/tls/ca.pem" "$pki/CA/cacert.pem"
	cp "$pki/qemu/server-cert.pem" "$pki/libvirt/servercert.pem"
	cp "$pki/qemu/server-key.pem" "$pki/libvirt/private/serverkey.pem"
	cp "$pki/qemu/server-cert.pem" "$pki/libvirt/clientcert.pem"
	cp "$pki/qemu/server-key.pem" "$pki/libvirt/private/clientkey.pem"
}

tls_conf() {
	cat >> "$1/qemu.conf" <<-END
		migrate_tls_x509_cert_dir = "/etc/pki/qemu"
		migrate_tls_x509_verify = 1
	END
}
