certutil -user -addstore Root @CA@
