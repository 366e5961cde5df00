-- What the layers of the digits model are called, in its first code and in its second. A module: every recipe of the team
-- that needs the names has them from here.
return {
  { first = "classifier/dense/", second = "backbone/hidden/" },
  { first = "classifier/logits/", second = "head/" },
}
