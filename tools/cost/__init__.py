"""`make cost`: what a network costs a month in the cloud, by one dated table of prices."""
