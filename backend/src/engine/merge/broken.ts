/** Begins the error of a value that no honest node sends; what follows is the sentence about its node. */
export const BROKEN = 'A node broke its bounds: ';
