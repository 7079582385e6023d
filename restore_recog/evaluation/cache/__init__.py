"""Work of the nets, kept so that none of it is done twice."""
