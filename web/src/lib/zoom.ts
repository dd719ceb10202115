/** How much larger than on a desk everything is: on a wall the style sheet has larger text. What is drawn in pixels follows it. */
export const zoom = () => Number.parseFloat(getComputedStyle(document.documentElement).fontSize) / 15;
