"""What both doors share: routes as data, who calls, what they may do, and how refusals are answered."""
