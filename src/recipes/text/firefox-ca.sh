certutil -A -d sql:PROFILE -t C,, -n harmock -i @CA@
