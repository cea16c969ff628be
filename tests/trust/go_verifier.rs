//! Go's `crypto/x509`.

use std::process::Command;

use super::{Authority, hosts, installed};

const CLIENT: &str = r#"package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"
)

func main() {
	pem, err := os.ReadFile(os.Args[1])
	roots := x509.NewCertPool()
	if err != nil || !roots.AppendCertsFromPEM(pem) {
		fmt.Println("the CA does not parse", err)
		os.Exit(1)
	}
	for _, pair := range os.Args[2:] {
		at := strings.LastIndex(pair, "=")
		conn, err := tls.Dial("tcp", "127.0.0.1:"+pair[at+1:], &tls.Config{RootCAs: roots, ServerName: pair[:at]})
		if err != nil {
			fmt.Println(pair, err)
			os.Exit(1)
		}
		conn.Close()
	}
}
"#;

#[test]
fn go_accepts_every_leaf() {
    if !installed("go") {
        return;
    }
    let authority = Authority::new();
    let source = authority.temp.path().join("client.go");
    std::fs::write(&source, CLIENT).unwrap();
    let mut command = Command::new("go");
    command.arg("run").arg(&source).arg(authority.ca.cert_path()).env("GO111MODULE", "off").env("GOFLAGS", "");
    for host in hosts() {
        command.arg(format!("{host}={}", authority.serve(&host).port()));
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}
