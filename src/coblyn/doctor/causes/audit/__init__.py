"""What an audit of object files and libraries sees; the modules beside this file put it into words."""
