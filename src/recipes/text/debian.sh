sudo cp @CA@ /usr/local/share/ca-certificates/harmock.crt
sudo update-ca-certificates
